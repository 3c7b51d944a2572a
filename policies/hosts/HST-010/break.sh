systemctl disable --now radsecproxy@in
