cd /etc/govroam/certificates/eap
openssl req -x509 -key key.pem -subj /CN=radius.drieland.test -days 9 -out chain.pem 2>/dev/null
