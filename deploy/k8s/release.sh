#!/bin/sh
# Applies a release in order: `deploy/k8s/release.sh deploy/k8s/overlays/production`. Settings, stores and migrations first; services
# only once every migration of this release has completed, then until each has rolled out.
set -eu
overlay=$1
namespace=$(awk '$1 == "namespace:" { print $2 }' "$overlay/kustomization.yaml")
kubectl apply -k "$overlay" -l 'app.kubernetes.io/component in (settings,stores,migrate,topics)'
jobs=$(kubectl kustomize "$overlay" | awk '/^kind:/ { kind = $2 } /^  name:/ && kind == "Job" { print "job/" $2 }')
# shellcheck disable=SC2086  # a list of jobs
kubectl -n "$namespace" wait --for=condition=complete --timeout=15m $jobs
kubectl apply -k "$overlay"
for workload in $(kubectl kustomize "$overlay" | awk '/^kind:/ { kind = $2 } /^  name:/ && kind ~ /^(Deployment|StatefulSet)$/ { print tolower(kind) "/" $2 }'); do
    kubectl -n "$namespace" rollout status --timeout=15m "$workload"
done
