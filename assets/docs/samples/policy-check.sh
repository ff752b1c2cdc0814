wa-gateway policy check "Your order 2041 has been shipped." --purpose transactional
