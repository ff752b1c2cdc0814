sudo apt install -y ./wa-gateway_*_amd64.deb
sudo systemctl stop wa-gateway.socket wa-gateway
sudo mv /var/lib/wa-gateway /var/lib/wa-gateway.empty
sudo wa-gateway restore /root/move.backup --passphrase-file /root/backup-passphrase
sudo systemctl start wa-gateway
sudo wa-gateway doctor
