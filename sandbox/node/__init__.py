"""A real node: kubelet, containerd, networks and operators in namespaces of their own on this machine."""
