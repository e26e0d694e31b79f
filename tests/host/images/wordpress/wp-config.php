<?php
// The database comes from the environment: WORDPRESS_DB_HOST, _USER, _PASSWORD (or _PASSWORD_FILE), _NAME.
function setting(string $name, string $default): string {
    $file = getenv("{$name}_FILE");
    $value = $file ? rtrim(file_get_contents($file), "\n") : getenv($name);
    return $value === false ? $default : $value;
}

define('DB_HOST', setting('WORDPRESS_DB_HOST', 'db'));
define('DB_USER', setting('WORDPRESS_DB_USER', 'wordpress'));
define('DB_PASSWORD', setting('WORDPRESS_DB_PASSWORD', ''));
define('DB_NAME', setting('WORDPRESS_DB_NAME', 'wordpress'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
$table_prefix = setting('WORDPRESS_TABLE_PREFIX', 'wp_');

// The same at every start of every replica, and no one's but theirs: derived from the password.
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $purpose) {
    define("{$purpose}_KEY", hash_hmac('sha256', "$purpose key", DB_PASSWORD));
    define("{$purpose}_SALT", hash_hmac('sha256', "$purpose salt", DB_PASSWORD));
}

// There is no outer network to ask for updates.
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISALLOW_FILE_MODS', true);

if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';
