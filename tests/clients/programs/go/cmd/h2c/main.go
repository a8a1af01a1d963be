// A server that takes an upgrade to HTTP/2 (h2c). It says its port, then serves until its standard input ends.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	answer := http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			panic(err)
		}
		fmt.Fprint(writer, request.Proto, " ", request.Method, " ", request.URL, " ", len(body))
	})
	go http.Serve(listener, h2c.NewHandler(answer, new(http2.Server)))
	io.Copy(io.Discard, os.Stdin)
}
