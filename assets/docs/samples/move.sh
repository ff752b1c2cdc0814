sudo systemctl disable --now wa-gateway.socket wa-gateway
sudo wa-gateway backup /root/move.backup --passphrase-file /root/backup-passphrase
