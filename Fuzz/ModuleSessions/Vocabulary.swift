/// The hosts' vocabulary: values at the ends of ranges, and commands that lead to new states.
enum Vocabulary {
    /// Values that most parameters accept come first.
    static let numbers = [
        "0", "1", "-1", "2", "3", "4", "5", "6", "10", "100", "255", "256", "1024", "1460", "2048", "2147483647",
        "2147483648", "-2147483648", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "18446744073709551615", "99999999999999999999999999", "0x7fffffff",
        "0xFFFFFFFFFFFFFFFF",
        "0x", "0x-1", "00000000000000000000001", "+1", "1e9", "1.5", "", " 1", "1 ", "65535", "65536", "7200", "60000",
        "1459", "2880", "36000", "115200", "5000000", "80",
    ]

    static let addresses = [
        "0.0.0.0", "255.255.255.255", "255.255.255.254", "255.255.255.155", "255.255.255.156", "10.0.2.2", "10.0.2.15",
        "10.0.2.255", "127.0.0.1", "192.168.4.1", "192.168.4.2", "192.168.4.255", "223.255.255.254", "224.0.0.1",
        "239.255.255.255", "240.0.0.0", "1.2.3.4", "::1", "fe80::1", "ff02::fb", "fec0::2", "::ffff:10.0.2.2",
        "128.0.0.0",
        "255.0.0.0", "255.255.255.0", "255.255.255.252", "255.0.255.0", "0.0.0.255", "256.1.1.1", "1.2.3",
        "gateway.wifisim", "pool.ntp.org", "nosuch", "a.b.c.d",
    ]

    static let macs = [
        "02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "18:fe:34:00:00:01", "1a:fe:34:00:00:01",
        "zz:00",
        "7c:df:a1:00:00:02", "1e:30:6c:a2:45:5e",
    ]

    static let texts = [
        "wifisim", "password", "open1", "TCP", "UDP", "SSL", "TCPv6", "UDPv6", "SSLv6", "mfg_nvs", "client_cert",
        "client_cert.0", "client_key.1", "server_ca", "ESP_000001", "ota", "v9.9.9", "_http", "_tcp", "_iot", "CN",
        "US",
        "*", "\u{0}", "h\\\"x", "\\\\", "\\,", "é€😀", "\u{200B}", "user", "0123456789abcdef",
    ]

    static let ports = [7, 9, 13, 19, 37, 80, 123, 8000, 8443, 8444]
    static let counts = [1, 5, 10, 100, 2048, 5000, 8192, 2_147_483_647]

    /// Command templates. `LINK`, `PORT`, `COUNT`, `ADDRESS`, `MAC` and `SMALL` are replaced.
    static let useful = [
        "ATE0", "ATE1", "AT+CWMODE=1", "AT+CWMODE=2", "AT+CWMODE=3", "AT+CWMODE=0", "AT+CWJAP=\"wifisim\",\"password\"",
        "AT+CWJAP=\"wifisim\",\"password\"", "AT+CWJAP=\"open1\",\"\"", "AT+CWJAP=\"ESP_000002\",\"\"",
        "AT+CWJEAP=\"wifisim\",1,\"id\",\"user\",\"password\",0", "AT+CIPMUX=1", "AT+CIPMUX=0", "AT+CIPMODE=1",
        "AT+CIPMODE=0",
        "AT+CIPSTART=\"TCP\",\"10.0.2.2\",PORT", "AT+CIPSTART=LINK,\"TCP\",\"10.0.2.2\",PORT",
        "AT+CIPSTART=LINK,\"SSL\",\"10.0.2.2\",8443", "AT+CIPSTART=\"SSL\",\"10.0.2.2\",8444",
        "AT+CIPSTART=LINK,\"UDP\",\"10.0.2.2\",PORT,1000,SMALL", "AT+CIPSTART=\"UDP\",\"10.0.2.2\",7,1112,2",
        "AT+CIPSTART=LINK,\"UDP\",\"224.0.0.251\",5353,5353,2", "AT+CIPSTART=LINK,\"UDP\",\"255.255.255.255\",7,7,2",
        "AT+CIPSERVER=1,80", "AT+CIPSERVER=1,443,\"SSL\"", "AT+CIPSERVER=1", "AT+CIPSERVER=0", "AT+CIPSERVER=0,1",
        "AT+CIPSERVERMAXCONN=SMALL", "AT+CIPSTO=SMALL", "AT+CIPSEND=LINK,COUNT", "AT+CIPSEND=COUNT", "AT+CIPSEND",
        "AT+CIPSENDEX=LINK,20", "AT+CIPSENDEX=20", "AT+CIPSENDL=LINK,COUNT", "AT+CIPSENDL=COUNT",
        "AT+CIPSENDLCFG=100,100",
        "AT+CIPRECVMODE=1", "AT+CIPRECVMODE=0", "AT+CIPRECVTYPE=5,1", "AT+CIPRECVTYPE=1", "AT+CIPRECVDATA=LINK,COUNT",
        "AT+CIPRECVDATA=COUNT", "AT+CIPRECVLEN?", "AT+CIPDINFO=1", "AT+CIPCLOSE=5", "AT+CIPCLOSE=LINK", "AT+CIPCLOSE",
        "AT+CIPSTATUS", "AT+CIPSTATE?", "AT+SYSMSG=SMALL", "AT+SAVETRANSLINK=1,\"10.0.2.2\",7,\"TCP\"",
        "AT+SAVETRANSLINK=1,\"ADDRESS\",7,\"UDP\",1000", "AT+SAVETRANSLINK=3,80,\"TCP\"", "AT+SAVETRANSLINK=0",
        "AT+RST",
        "AT+RESTORE", "AT+GSLP=COUNT", "AT+CWSAP=\"ESP_000001\",\"12345678\",5,3", "AT+CWSAP=\"ap\",\"\",1,0,4,1",
        "AT+CWLIF",
        "AT+CWQIF", "AT+CWQAP", "AT+CWLAP", "AT+CWLAP=\"\",\"MAC\"", "AT+CIFSR", "AT+CIPDOMAIN=\"gateway.wifisim\"",
        "AT+PING=\"10.0.2.2\"", "AT+CIPSNTPCFG=1,8,\"pool.ntp.org\"", "AT+CIPSNTPCFG=1,-12,\"10.0.2.2\"",
        "AT+CIPSNTPTIME?",
        "AT+CIPV6=1", "AT+CIUPDATE", "AT+CIUPDATE=0", "AT+CIUPDATE=1,\"\",\"ota\",1", "AT+CIPFWVER?", "AT+SYSROLLBACK",
        "AT+MDNS=1,\"h\",\"_http\",80", "AT+MDNS=1,\"h\",\"_http\",80,\"i\",\"_tcp\",1,\"k\",\"v\"", "AT+MDNS=0",
        "AT+MDNS=2,0,\"_http\",\"_tcp\",3,5", "AT+SYSMSGFILTER=1", "AT+SYSMSGFILTERCFG=1,SMALL,SMALL",
        "AT+SYSMSGFILTERCFG=1,60,4", "AT+SYSFLASH=2,\"client_cert\",0,COUNT", "AT+SYSFLASH=1,\"client_cert\",0,COUNT",
        "AT+SYSFLASH=0,\"client_cert\"", "AT+SYSFLASH=0,\"mfg_nvs\"",
        "AT+SYSMFG=2,\"client_cert\",\"client_cert.0\",8,COUNT", "AT+SYSMFG=0,\"client_ca\"",
        "AT+SYSMFG=1,\"client_ca\",\"client_ca.0\",SMALL,COUNT", "AT+CIPSSLCCONF=LINK,SMALL,0,0",
        "AT+CIPSSLCCONF=3,0,0",
        "AT+CIPSSLCPSK=LINK,\"key\",\"hint\"", "AT+WPS=1", "AT+CWSTARTSMART", "AT+CWSTARTSMART=3,0", "AT+CWSTOPSMART",
        "AT+CWDHCP=1,3", "AT+CWDHCP=0,3", "AT+CWDHCPS=1,3,\"192.168.4.10\",\"192.168.4.15\"",
        "AT+CWDHCPS=1,3,\"ADDRESS\",\"ADDRESS\"", "AT+CIPSTA=\"10.0.2.99\"", "AT+CIPAP=\"ADDRESS\"",
        "AT+CIPAP=\"ADDRESS\",\"ADDRESS\",\"ADDRESS\"", "AT+CIPSTA=\"ADDRESS\",\"ADDRESS\",\"ADDRESS\"",
        "AT+CWRECONNCFG=1,3",
        "AT+CWRECONNCFG=7200,0", "AT+CWCOUNTRY=0,\"CN\",SMALL,SMALL", "AT+UART_CUR=9600,8,1,0,0",
        "AT+UART_CUR=80,8,1,0,0",
        "AT+UART_CUR=5000000,5,3,2,3", "AT+UART_DEF=9600,8,1,0,3", "AT+CIPTCPOPT=LINK,0,1,SMALL,7200",
        "AT+CIPCONNPERSIST=5,1",
        "AT+SYSTIMESTAMP=COUNT", "AT+CWINIT=0", "AT+CWINIT=1", "AT+TRANSINTVL=SMALL", "AT+SYSSTORE=0", "AT+SYSLOG=1",
        "AT+CWCONFIG=,3,", "AT+CWCONFIG=60,6,3", "AT+CIPRECONNINTV=1", "AT+SLEEP=1", "AT+CIPSTAMAC=\"MAC\"",
        "AT+CIPAPMAC=\"MAC\"",
    ]
}
