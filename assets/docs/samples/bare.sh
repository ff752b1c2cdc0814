apt install -y ./wa-gateway_*_amd64.deb
wa-gateway account create --name "Shop" --plan growth
wa-gateway instance create --account 1 --id try-line --name "Try line" --connector sandbox
wa-gateway send --instance try-line --to +966501234567 --purpose transactional "Your order 2041 has been shipped."
wa-gateway sandbox inbox --instance try-line
