sudo apt install -y --allow-downgrades ./wa-gateway_OLDER_amd64.deb
sudo systemctl stop wa-gateway.socket wa-gateway
sudo mv /var/lib/wa-gateway /var/lib/wa-gateway.newer
sudo wa-gateway restore /var/backups/wa-gateway-before-upgrade.backup --passphrase-file /root/backup-passphrase
sudo systemctl start wa-gateway
sudo wa-gateway doctor
