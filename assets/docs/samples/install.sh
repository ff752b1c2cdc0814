sudo apt install ./wa-gateway_*_amd64.deb
sudo systemctl status wa-gateway
sudo wa-gateway setup-token
