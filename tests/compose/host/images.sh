#!/bin/bash
# Makes the images of the stacks, each a BusyBox with the metadata that the real one is known for. All are stopped by SIGKILL, so that
# no stack waits for a program that knows no signals.
set -euo pipefail

base=127.0.0.1:5000/busybox:1
docker pull --quiet "$base" >/dev/null
docker run --name base "$base" sh -c '
    printf "#!/bin/sh\nexec \"\$@\"\n" >/bin/docker-entrypoint.sh && chmod +x /bin/docker-entrypoint.sh
    mkdir -p /usr/share/nginx/html /var/www/html && echo hello >/usr/share/nginx/html/index.html
    printf "app:x:1000:1000::/home/app:/bin/sh\n" >>/etc/passwd && printf "app:x:1000:\nvideo:x:44:\n" >>/etc/group' >/dev/null

# image NAME INSTRUCTION...
image() {
    local name=$1 changes=() instruction
    shift
    for instruction in 'STOPSIGNAL SIGKILL' 'CMD ["sleep", "infinity"]' "$@"; do
        changes+=(--change "$instruction")
    done
    docker commit "${changes[@]}" base "$name" >/dev/null
}

entrypoint='ENTRYPOINT ["docker-entrypoint.sh"]'
image nginx:1.27 'EXPOSE 80' "$entrypoint" 'ENV NGINX_VERSION=1.27.1' 'LABEL maintainer="NGINX Docker Maintainers"'
image traefik:3.1 'EXPOSE 80' 'ENTRYPOINT ["docker-entrypoint.sh"]'
image postgres:16 'EXPOSE 5432' "$entrypoint" 'VOLUME /var/lib/postgresql/data' 'ENV PGDATA=/var/lib/postgresql/data PG_MAJOR=16'
image mariadb:11 'EXPOSE 3306' "$entrypoint" 'VOLUME /var/lib/mysql' 'HEALTHCHECK --interval=1s CMD true'
image redis:7 'EXPOSE 6379' "$entrypoint" 'VOLUME /data' 'WORKDIR /data'
image rabbitmq:3 'EXPOSE 4369 5672 15672' "$entrypoint" 'VOLUME /var/lib/rabbitmq'
image python:3.12 'ENV PYTHON_VERSION=3.12.4' 'CMD ["sleep", "1d"]'
image node:22 'WORKDIR /usr/src/app' 'ENV NODE_VERSION=22.5'
image alpine:3.20
image wordpress:6 'EXPOSE 80' "$entrypoint" 'VOLUME /var/www/html' 'WORKDIR /var/www/html'
image nextcloud:29 'EXPOSE 80' "$entrypoint" 'VOLUME /var/www/html' 'USER app'
image gitea/gitea:1.22 'EXPOSE 22 3000' 'VOLUME /data' 'ENV USER=git GITEA_CUSTOM=/data/gitea'
image grafana/grafana:11.1 'EXPOSE 3000' 'USER 472' 'WORKDIR /usr/share/grafana'
image prom/prometheus:v2.53 'EXPOSE 9090' 'USER nobody' 'VOLUME /prometheus' 'WORKDIR /prometheus' "$entrypoint"
image prom/node-exporter:v1.8 'EXPOSE 9100' 'USER nobody' "$entrypoint"
image minio/minio:latest 'EXPOSE 9000' 'VOLUME /data' "$entrypoint"
docker rm base >/dev/null
