wa-gateway instance create --account 1 --id try-line --name "Try" --connector sandbox
wa-gateway send --instance try-line --to +966501234567 --purpose transactional "Your order 2041 has been shipped."
wa-gateway sandbox inbox --instance try-line
wa-gateway sandbox receive --instance try-line --from +966501234567 "Where is my order?"
