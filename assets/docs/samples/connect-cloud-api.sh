wa-gateway instance create --account 1 --id shop-line --name "Shop" --connector cloud-api \
  --set phone_number_id=PHONE_NUMBER_ID \
  --set waba_id=BUSINESS_ACCOUNT_ID \
  --set access_token=@/root/wa-token \
  --set app_secret=@/root/wa-app-secret \
  --set verify_token=A_WORD_OF_YOUR_OWN
