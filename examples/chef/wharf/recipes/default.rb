package 'wharf'

wharf_stack 'shop' do
  content <<~TOML
    [services.web]
    image = "docker.io/library/busybox:1.37"
    command = ["httpd", "-f", "-p", "80", "-h", "/www"]
    init = true
    ports = ["127.0.0.1:8080:80"]
    configs = [{ source = "page", target = "/www/index.html" }]

    [configs]
    page.content = "We are open.\\n"
  TOML
end
