nft flush ruleset
