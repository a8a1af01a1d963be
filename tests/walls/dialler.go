// A static program that dials what it likes: no library of the system, no environment, nothing of a mesh.
package main

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

func dial(network, address string) string {
	connection, err := net.DialTimeout(network, address, 5*time.Second)
	if err == nil && network == "udp" {
		// A datagram tells nothing of whether it came: send until one is refused, or two were not.
		for range 2 {
			if _, err = connection.Write([]byte("x")); err != nil {
				break
			}
			connection.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			if _, err = connection.Read(make([]byte, 1)); errors.Is(err, syscall.ECONNREFUSED) {
				break
			}
			err = nil
		}
	}
	var unknown *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return "not found"
	case err != nil:
		return err.Error()
	}
	connection.Close()
	return "connected"
}

func main() {
	http.HandleFunc("/dial", func(answer http.ResponseWriter, request *http.Request) {
		query := request.URL.Query()
		json.NewEncoder(answer).Encode(map[string]string{"it": dial(query.Get("network"), query.Get("address"))})
	})
	http.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	http.ListenAndServe(":8080", nil)
}
