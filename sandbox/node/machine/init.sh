# Process 1 of a node, in namespaces of its own (network, mounts, processes, host name): its daemons, started again when they end.
# Nothing outside the node's folder is written: /run is empty memory, and what daemons write to /var, /etc and /opt lands
# in layers above this machine's own.
set -eu
folder=$1 node=$2 state=$3 cgroup=$4
export PATH="$folder/bin:$PATH"
mount --make-rprivate /
hostname "$node"
for place in var etc opt; do
  [ -d "/$place" ] || continue
  mkdir -p "$folder/over/$place" "$folder/over/.$place"
  mount -t overlay overlay -o "lowerdir=/$place,upperdir=$folder/over/$place,workdir=$folder/over/.$place" "/$place"
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/containerd /run/netns /var/log/pods /var/log/containers "$folder/kubelet" /var/lib/kubelet
# Below a short path, since the kubelet makes sockets there and Linux takes 107 characters for the name of one (unix(7)).
mount --bind "$folder/kubelet" /var/lib/kubelet
# Settings of the whole machine are for it alone to change: here they can't be written, and those that the kubelet wants
# to set (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables) read as if they were.
for part in vm kernel; do
  mount --bind /proc/sys/$part /proc/sys/$part
  mount -o remount,bind,ro /proc/sys/$part
done
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  path=${setting%=*}
  [ -e "/proc/sys/$path" ] || continue
  echo "${setting#*=}" >"/run/$(basename "$path")"
  mount --bind "/run/$(basename "$path")" "/proc/sys/$path"
done
mount --make-rshared /
while ! ip link show eth0 up 2>/dev/null | grep -q 'state UP'; do sleep 0.1; done
keep() {
  log=$state/$node-$1.log
  shift
  while :; do
    "$@" >>"$log" 2>&1 || true
    sleep 1
  done
}
keep containerd containerd --config "$folder/containerd.toml" &
while [ ! -S /run/containerd/containerd.sock ]; do sleep 0.1; done
keep kubelet kubelet --config "$folder/kubelet.yaml" --kubeconfig "$folder/kubelet.kubeconfig" \
  --root-dir /var/lib/kubelet --cert-dir "$folder/kubelet-pki" --hostname-override "$node" --node-ip "$(cat "$folder/address")" \
  --register-node=false --v=1 &
keep kube-proxy kube-proxy --config "$folder/proxy.yaml" --v=1 &
keep kube-router kube-router --run-router=false --run-service-proxy=false --run-firewall=true \
  --kubeconfig "$folder/kube-router.kubeconfig" --hostname-override "$node" --metrics-port 0 \
  --health-port 20244 --iptables-sync-period 1m &
wait
