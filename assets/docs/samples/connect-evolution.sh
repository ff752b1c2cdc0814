wa-gateway instance create --account 1 --id shop-line --name "Shop" --connector evolution \
  --set base_url=https://evolution.example.com \
  --set api_key=@/root/evolution-key \
  --set instance=shop \
  --set hook_secret=A_LONG_RANDOM_WORD
