# A stack: its file in /etc/wharf, its units, and its running containers.
#
#     wharf_stack 'shop' do
#       content ::File.read('shop.toml')
#     end

unified_mode true
provides :wharf_stack

property :project, String, name_property: true, regex: /\A[a-z0-9][a-z0-9_-]*\z/
property :content, String
property :remove_volumes, [true, false], default: false

default_action :create

action_class do
  def path
    "/etc/wharf/#{new_resource.project}.toml"
  end
end

action :create do
  # An invalid stack file does not replace a valid one.
  file path do
    content new_resource.content
    mode '0600'
    verify "/usr/bin/wharf check --as #{path} %{path}"
  end

  execute "wharf generate #{new_resource.project}" do
    command ['/usr/bin/wharf', 'generate', '--enable', '--now', path]
    not_if "/usr/bin/wharf generate --enable --now --check #{path}"
  end
end

action :remove do
  # First the file: while it is there, wharf-generator makes its units again.
  file path do
    action :delete
  end

  execute "wharf remove #{new_resource.project}" do
    command ['/usr/bin/wharf', 'remove', *('--volumes' if new_resource.remove_volumes), new_resource.project]
    only_if "/usr/bin/wharf remove --dry-run #{new_resource.project}"
  end
end
