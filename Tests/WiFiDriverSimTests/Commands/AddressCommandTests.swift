import Testing
@testable import WiFiSimModule

struct AddressCommandTests {
    @Test func `CIPSTA sets a static address and switches DHCP off`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CIPSTA=\"10.0.2.77\",\"10.0.2.2\",\"255.255.255.0\"") == ok)
        #expect(host.ask("AT+CWDHCP?") == "+CWDHCP:2\r\n" + ok)
        host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
        #expect(
            host.ask("AT+CIPSTA?") == """
                +CIPSTA:ip:"10.0.2.77"\r
                +CIPSTA:gateway:"10.0.2.2"\r
                +CIPSTA:netmask:"255.255.255.0"\r\n
                """ + ok)
        #expect(host.ask("AT+CIPSTA=\"10.0.2.300\"") == refused)
        #expect(host.ask("AT+CIPSTA=\"0.0.0.0\"") == refused)
    }

    @Test func `CWDHCP counts the station first, the soft-AP first on NONOS firmware`() {
        let host = Conversation()
        #expect(host.ask("AT+CWDHCP?") == "+CWDHCP:3\r\n" + ok)
        #expect(host.ask("AT+CWDHCP=0,1") == ok)
        #expect(host.ask("AT+CWDHCP?") == "+CWDHCP:2\r\n" + ok)
        #expect(host.ask("AT+CWDHCP=2,1") == refused)
        let old = Conversation(.esp8266v1_7)
        #expect(old.ask("AT+CWDHCP_CUR=1,0") == ok)
        #expect(old.ask("AT+CWDHCP_CUR?") == "+CWDHCP_CUR:1\r\n" + ok)
        #expect(old.ask("AT+CWDHCP_CUR=2,0") == ok)
        #expect(old.ask("AT+CWDHCP_CUR?") == "+CWDHCP_CUR:0\r\n" + ok)
        #expect(old.ask("AT+CWDHCP=1,2") == refused)
    }

    @Test func `CWDHCPS keeps its range inside the soft-AP's network`() {
        let host = Conversation()
        host.ask("AT+CWMODE=2")
        #expect(host.ask("AT+CWDHCPS?") == "+CWDHCPS:120,192.168.4.2,192.168.4.101\r\n" + ok)
        #expect(host.ask("AT+CWDHCPS=1,3,\"192.168.4.10\",\"192.168.4.15\"") == ok)
        #expect(host.ask("AT+CWDHCPS?") == "+CWDHCPS:3,192.168.4.10,192.168.4.15\r\n" + ok)
        #expect(host.ask("AT+CWDHCPS=1,3,\"192.168.5.10\",\"192.168.5.15\"") == refused)
        #expect(host.ask("AT+CWDHCPS=1,3,\"192.168.4.15\",\"192.168.4.10\"") == refused)
        #expect(host.ask("AT+CWDHCPS=1,0,\"192.168.4.10\",\"192.168.4.15\"") == refused)
        #expect(host.ask("AT+CWDHCPS=0") == ok)
        #expect(host.ask("AT+CWDHCPS?").contains("192.168.4.2,"))
    }

    @Test func `MAC addresses are unicast and differ`() {
        let host = Conversation()
        #expect(host.ask("AT+CIPSTAMAC?") == "+CIPSTAMAC:\"84:f7:03:00:00:01\"\r\n" + ok)
        #expect(host.ask("AT+CIPAPMAC?") == "+CIPAPMAC:\"84:f7:03:00:00:02\"\r\n" + ok)
        #expect(host.ask("AT+CIPSTAMAC=\"1a:fe:35:98:d3:7b\"") == ok)
        #expect(host.ask("AT+CIPSTAMAC?") == "+CIPSTAMAC:\"1a:fe:35:98:d3:7b\"\r\n" + ok)
        for wrong in [
            "15:fe:35:98:d3:7b", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "84:f7:03:00:00:02", "1a:fe", "1afe3598d37b",
        ] {
            #expect(host.ask("AT+CIPSTAMAC=\"\(wrong)\"") == refused)
        }
        #expect(host.ask("AT+CIPAPMAC=\"18:fe:35:98:d3:7b\"") == ok)
        #expect(host.ask("AT+CIPAPMAC=\"1a:fe:35:98:d3:7b\"") == refused)
    }

    @Test func `CIPAP and CWSAP describe the soft-AP`() {
        let host = Conversation()
        #expect(host.ask("AT+CWSAP?") == refused)
        host.ask("AT+CWMODE=2")
        #expect(host.ask("AT+CWSAP?") == "+CWSAP:\"ESP_000002\",\"\",1,0,4,0\r\n" + ok)
        #expect(host.ask("AT+CWSAP=\"ESP\",\"1234567890\",5,3,8,1") == ok)
        #expect(host.ask("AT+CWSAP?") == "+CWSAP:\"ESP\",\"1234567890\",5,3,8,1\r\n" + ok)
        for wrong in [
            "\"ESP\",\"1234567\",5,3", "\"ESP\",\"12345678\",5,1", "\"ESP\",\"12345678\",14,3", "\"\",\"\",1,0",
        ] {
            #expect(host.ask("AT+CWSAP=\(wrong)") == refused)
        }
        #expect(host.ask("AT+CIPAP=\"192.168.5.1\",\"192.168.5.1\",\"255.255.255.0\"") == ok)
        #expect(host.ask("AT+CIPAP?").hasPrefix("+CIPAP:ip:\"192.168.5.1\"\r\n+CIPAP:gateway:\"192.168.5.1\"\r\n"))
        #expect(host.ask("AT+CIFSR").hasPrefix("+CIFSR:APIP,\"192.168.5.1\"\r\n+CIFSR:APMAC,\"84:f7:03:00:00:02\"\r\n"))
        #expect(host.ask("AT+CWLIF") == ok)
        #expect(host.ask("AT+CWQIF") == ok)
        #expect(host.ask("AT+CWQIF=\"02:00:00:00:00:07\"") == refused)
    }

    @Test(arguments: Firmware.all)
    func `Addresses that no interface can have are refused, and the module still works`(firmware: Firmware) {
        let host = Conversation(firmware)
        host.ask("AT+CWMODE=3")
        for command in ["CIPAP", "CIPSTA"] {
            for wrong in [
                "255.255.255.255", "255.255.255.156", "240.0.0.1", "224.0.0.1", "239.1.2.3", "0.0.0.0", "0.1.2.3",
                "127.0.0.1",
                "192.168.4.0", "192.168.4.255",
            ] {
                #expect(host.ask("AT+\(command)=\"\(wrong)\"") == refused)
                #expect(host.ask("AT+\(command)=\"\(wrong)\",\"192.168.4.1\",\"255.255.255.0\"") == refused)
            }
            for wrong in [
                "255.0.255.0", "0.0.0.255", "0.0.0.0", "255.255.255.255", "255.255.255.254", "255.255.255.253",
            ] {
                #expect(host.ask("AT+\(command)=\"192.168.4.5\",\"192.168.4.1\",\"\(wrong)\"") == refused)
            }
            for wrong in ["224.0.0.1", "255.255.255.255", "240.0.0.1"] {
                #expect(host.ask("AT+\(command)=\"192.168.4.5\",\"\(wrong)\",\"255.255.255.0\"") == refused)
            }
            #expect(host.ask("AT+\(command)=\"192.168.4.5\",\"0.0.0.0\",\"255.255.255.0\"") == ok)
        }
    }

    @Test(arguments: [
        ("192.168.4.1", "255.255.255.0", "192.168.4.2,192.168.4.101"),
        ("192.168.4.254", "255.255.255.0", "192.168.4.1,192.168.4.100"),
        ("192.168.4.200", "255.255.255.0", "192.168.4.1,192.168.4.100"),
        ("223.255.255.253", "255.255.255.252", "223.255.255.254,223.255.255.254"),
        ("10.255.255.254", "255.0.0.0", "10.0.0.1,10.0.0.100"),
    ])
    func `The soft-AP's DHCP server stays inside its network`(address: String, netmask: String, leases: String) {
        let host = Conversation()
        host.ask("AT+CWMODE=2")
        #expect(host.ask("AT+CIPAP=\"\(address)\",\"\(address)\",\"\(netmask)\"") == ok)
        #expect(host.ask("AT+CWDHCPS?") == "+CWDHCPS:120,\(leases)\r\n" + ok)
    }

    @Test func `With CIPV6 the station gets a link-local and a global address`() {
        let host = Conversation()
        host.ask("AT+CWMODE=1")
        #expect(host.ask("AT+CIPV6=1") == ok)
        #expect(
            host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(5))
                == "WIFI CONNECTED\r\nWIFI GOT IP\r\n" + ok + "WIFI GOT IPv6 LL\r\nWIFI GOT IPv6 GL\r\n")
        let addresses = host.ask("AT+CIPSTA?")
        #expect(addresses.contains("+CIPSTA:ip6ll:\"fe80::86f7:3ff:fe00:1\"\r\n"))
        #expect(addresses.contains("+CIPSTA:ip6gl:\"fec0::86f7:3ff:fe00:1\"\r\n"))
        #expect(host.ask("AT+CIPV6=0") == ok)
        #expect(!host.ask("AT+CIPSTA?").contains("ip6ll"))
    }
}
