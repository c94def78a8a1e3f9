#!/bin/sh
# Makes NAME.pem and NAME.key: a certificate for NAME.localhost that vouches for itself.
# usage: certificate.sh NAME
exec openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
	-subj "/CN=$1" -addext "subjectAltName=DNS:$1.localhost" -keyout "$1.key" -out "$1.pem" 2>/dev/null
