sudo wa-gateway backup /var/backups/wa-gateway-$(date +%F).backup --passphrase-file /root/backup-passphrase
