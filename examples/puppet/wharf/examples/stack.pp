# After: the containers of docker_run.pp as one stack. The network is the stack's own, and needs no line.
wharf::stack { 'shop':
  content => @(TOML),
    [services.stock]
    image = "docker.io/library/busybox:1.37"
    command = "httpd -f -p 80 -h /stock"
    init = true
    volumes = ["stock:/stock"]

    [services.web]
    image = "docker.io/library/busybox:1.37"
    command = "httpd -f -p 80 -h /www"
    init = true
    ports = ["127.0.0.1:8080:80"]
    volumes = ["/srv/shop:/www:ro"]
    environment.GREETING = "hello"
    mem_limit = "64m"
    depends_on = ["stock"]
    stop_grace_period = "5s"

    [volumes.stock]
    | TOML
}
