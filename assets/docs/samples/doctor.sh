sudo wa-gateway doctor
sudo journalctl -u wa-gateway -p warning --since today
curl -s http://127.0.0.1:8080/metrics
