# @summary Installs Wharf.
#
# @param manage_package
#   Whether to install the package `wharf`.
class wharf (
  Boolean $manage_package = true,
) {
  if $manage_package {
    package { 'wharf':
      ensure => installed,
      before => File['/etc/wharf'],
    }
  }
  file { '/etc/wharf':
    ensure => directory,
    mode   => '0755',
  }
}
