sudo systemctl stop wa-gateway.socket wa-gateway
sudo mv /var/lib/wa-gateway /var/lib/wa-gateway.old
sudo wa-gateway restore /var/backups/wa-gateway-2026-05-08.backup --passphrase-file /root/backup-passphrase
sudo systemctl start wa-gateway
sudo wa-gateway doctor
