sudo wa-gateway account create --name "Shop" --plan growth --timezone Asia/Riyadh --region SA
sudo wa-gateway user create --account 1 --email owner@shop.example.com --role owner
sudo wa-gateway key create --account 1 --name shop
sudo wa-gateway doctor
