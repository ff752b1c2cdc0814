wa-gateway demo
