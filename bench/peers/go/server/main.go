// The HTTP server that every contestant talks to: GET /items/N answers {"id":N,"name":"item N"}. It prints its address and
// serves until its standard input closes.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("GET /items/{id}", func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("content-type", "application/json")
		fmt.Fprintf(answer, `{"id":%s,"name":"item %[1]s"}`, request.PathValue("id"))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}
