# Before: two containers with the module puppetlabs/docker. stack.pp has the same with Wharf.
include docker

docker_network { 'shop':
  ensure => present,
}

docker::run { 'stock':
  image   => 'docker.io/library/busybox:1.37',
  command => 'httpd -f -p 80 -h /stock',
  net     => 'shop',
  volumes => ['stock:/stock'],
}

docker::run { 'web':
  image            => 'docker.io/library/busybox:1.37',
  command          => 'httpd -f -p 80 -h /www',
  net              => 'shop',
  ports            => ['127.0.0.1:8080:80'],
  volumes          => ['/srv/shop:/www:ro'],
  env              => ['GREETING=hello'],
  memory_limit     => '64m',
  extra_parameters => ['--init'],
  depends          => ['stock'],
  stop_wait_time   => 5,
}
