// CoreDNS with the plugins that a cluster needs. Its own main brings all, and with them the clients of three clouds.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	// In the order of CoreDNS's own plugin.cfg: it is the order in which a question passes them.
	dnsserver.Directives = []string{
		"reload", "health", "ready", "errors", "cache", "rewrite", "loadbalance", "template", "hosts", "kubernetes",
	}
	coremain.Run()
}
