sudo wa-gateway backup /var/backups/wa-gateway-before-upgrade.backup --passphrase-file /root/backup-passphrase
sudo apt install -y ./wa-gateway_*_amd64.deb
sudo wa-gateway doctor
