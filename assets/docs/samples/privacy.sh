sudo wa-gateway export --phone +966501234567
sudo wa-gateway erase --phone +966501234567
