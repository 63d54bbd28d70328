#!/bin/sh
# Makes a control plane to validate manifests by, where no cluster is: `deploy/tests/control-plane.sh FOLDER`, then
# `KUBEBUILDER_ASSETS=FOLDER .venv/bin/pytest lint/test_control_plane.py`. kube-apiserver is compiled from its Go
# module (Go 1.26; 35 minutes on two busy cores), etcd is Debian's.
set -eu
version=${KUBERNETES_VERSION:-1.36.3}
mkdir -p "$1"
cd "$1"
export GOFLAGS="-mod=mod -buildvcs=false"
[ -e go.mod ] || go mod init control-plane
go mod download "k8s.io/kubernetes@v$version"
# the modules that Kubernetes has in its own tree are published one version lower: v0.36.3 for v1.36.3
for module in $(sed -n '/^replace (/,/^)/p' "$(go env GOMODCACHE)/cache/download/k8s.io/kubernetes/@v/v$version.mod" | awk '/=>/ { print $1 }'); do
    go mod edit -replace "$module=$module@v0.${version#1.}"
done
go get "k8s.io/kubernetes/cmd/kube-apiserver@v$version"
go build -o kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
apt-get -q download etcd-server
dpkg -x etcd-server_*.deb unpacked
cp unpacked/usr/bin/etcd etcd
