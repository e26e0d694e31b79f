#!/bin/bash
# Debian's WordPress on Apache with PHP as a module.
set -euo pipefail
root=$1 mirror=$2
here=tests/host/images/wordpress

mmdebstrap --quiet --variant=extract \
    --include=base-files,base-passwd,busybox-static,libc6,media-types,apache2-bin,libapache2-mod-php,php-mysql,wordpress,wordpress-theme-twentytwentyfive \
    trixie "$root" "$mirror"

# What WordPress drags in and never runs here.
rm -rf "$root"/usr/bin/{mariadb,mysql,php,perl,my_print,inno}* "$root"/usr/{lib,share}/*/perl* "$root"/usr/{lib,share}/perl* "$root"/usr/lib/php/*/gd.so \
    "$root"/usr/lib/*/lib{aom,SvtAv1Enc,rav1e,dav1d,x265,heif,avif,gd}.so*
tests/host/images/finish "$root"

# One directory, as WordPress's own distribution has it; links to what Debian shares between packages stay valid there.
find "$root/usr/share/wordpress" -type l | while read -r link; do
    target=$(readlink "$link")
    [[ $target == /* ]] || target=$(realpath -ms "$(dirname "$link")/$target")
    ln -sfn "${target#"$root"}" "$link"
done
mkdir -p "$root/var/www"
rm -rf "$root/var/www/html"
mv -T "$root/usr/share/wordpress" "$root/var/www/html"
cp -a --no-clobber "$root/var/lib/wordpress/wp-content/." "$root/var/www/html/wp-content/"
install -m 644 "$here/wp-config.php" "$root/var/www/html/wp-config.php"
install -d -o 33 -g 33 "$root/var/www/html/wp-content/uploads" "$root/run/apache2"

# PHP's modules, as their packages would have enabled them.
for module in "$root"/usr/share/php*/*/*.ini; do
    name=$(basename "$module" .ini)
    [[ $name == gd ]] || install -D -m 644 "$module" "$root/etc/php/modules/$([[ $name == mysqlnd || $name == opcache ]] && echo 10 || echo 20)-$name.ini"
done
install -m 644 "$here/apache2.conf" "$root/etc/apache2/apache2.conf"
install -m 755 "$here/entrypoint" "$root/entrypoint"
