sudo wa-gateway takeover
sudo systemctl disable --now wa-gateway-standby
sudo systemctl enable --now wa-gateway.socket wa-gateway
