# @summary A stack: its file in /etc/wharf, its units, and its running containers. The title is the project's name.
#
# @example
#   wharf::stack { 'shop':
#     source => 'puppet:///modules/profile/shop.toml',
#   }
#
# @param ensure
#   `absent` stops the stack and removes its units, containers and networks.
# @param source
#   The stack file, as for the type `file`.
# @param content
#   The text of the stack file, instead of `source`.
# @param remove_volumes
#   Whether an absent stack loses its volumes, with all their data.
define wharf::stack (
  Enum['present', 'absent'] $ensure = 'present',
  Optional[String[1]] $source = undef,
  Optional[String[1]] $content = undef,
  Boolean $remove_volumes = false,
) {
  include wharf

  assert_type(Pattern[/\A[a-z0-9][a-z0-9_-]*\z/], $title)
  $path = "/etc/wharf/${title}.toml"

  if $ensure == 'present' {
    # An invalid stack file does not replace a valid one.
    file { $path:
      ensure       => file,
      mode         => '0600',
      source       => $source,
      content      => $content,
      validate_cmd => "/usr/bin/wharf check --as ${path} %",
      require      => Class['wharf'],
    }
    # Images may have to be pulled; systemd limits the time of each start.
    exec { "wharf generate ${title}":
      command   => "/usr/bin/wharf generate --enable --now ${path}",
      unless    => "/usr/bin/wharf generate --enable --now --check ${path}",
      subscribe => File[$path],
      timeout   => 0,
    }
  } else {
    $volumes = $remove_volumes ? {
      true  => '--volumes ',
      false => '',
    }
    # First the file: while it is there, wharf-generator makes its units again.
    file { $path:
      ensure  => absent,
      require => Class['wharf'],
    }
    -> exec { "wharf remove ${title}":
      command => "/usr/bin/wharf remove ${volumes}${title}",
      onlyif  => "/usr/bin/wharf remove --dry-run ${title}",
      timeout => 0,
    }
  }
}
