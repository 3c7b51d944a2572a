"""Stand-in for `pulumi-resource-kubernetes`: raw manifests, server-side apply, waits. See ../README.md."""
