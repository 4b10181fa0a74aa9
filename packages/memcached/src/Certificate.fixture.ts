/** Test only: a certificate of this machine by its own authority, valid until 2125, with the key that everybody knows. */

/** For localhost and 127.0.0.1. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUUgprms0Ntk56kiZUrJxXHsHgUAgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAxMjY1MloYDzIxMjYxMDI4
MDEyNjUyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATA9L26aRvmHbe5IXrk3LxmKbpfPjhoEW/XdHrPaLvq8dUeBGAyyu3W
EzLBZ0MqA42Z/a4bsQDKteIkfmCFndkyo28wbTAdBgNVHQ4EFgQUh/eIdVOMKlrZ
MtDEofYHf0qg48swHwYDVR0jBBgwFoAUh/eIdVOMKlrZMtDEofYHf0qg48swDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgdB0Of+jHK/aHHusyD2P+wCwagSE0R1rcYEPdeUy+3vACIQDn
A1axqUr7g7XtJVM/X558vtZsX1Z4TzR4H3TG35Vwow==
-----END CERTIFICATE-----
`

/** Its private key; of no worth. */
export const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfDH1IlKXstdSDQan
h1lyORhZUto4OFYzrBShveat812hRANCAATA9L26aRvmHbe5IXrk3LxmKbpfPjho
EW/XdHrPaLvq8dUeBGAyyu3WEzLBZ0MqA42Z/a4bsQDKteIkfmCFndky
-----END PRIVATE KEY-----
`
