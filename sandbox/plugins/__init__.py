"""Stand-ins for the two Pulumi plugins that no package registry carries; see README.md."""
