// Echo server and client on gorilla/websocket: `server PORT`, `client URL AGENT`.
//
// No limit of size is set, which is the default, nor is compression unless WSORACLE_COMPRESSION is set. The library leaves the check of UTF-8 to the
// application, so it is done here: Close 1007.
package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// compression tells whether permessage-deflate is offered and taken.
var compression = os.Getenv("WSORACLE_COMPRESSION") != ""

func echo(connection *websocket.Conn) error {
	defer connection.Close()
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil {
			return err
		}
		if kind == websocket.TextMessage && !utf8.Valid(message) {
			reason := websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, "")
			return connection.WriteControl(websocket.CloseMessage, reason, time.Now().Add(time.Second))
		}
		if err := connection.WriteMessage(kind, message); err != nil {
			return err
		}
	}
}

func serve(port string) error {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, EnableCompression: compression}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	fmt.Println("READY", listener.Addr().(*net.TCPAddr).Port)
	return http.Serve(listener, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if connection, err := upgrader.Upgrade(response, request, nil); err == nil {
			echo(connection)
		}
	}))
}

func testee(base, name string) error {
	dialer := *websocket.DefaultDialer
	dialer.EnableCompression = compression
	connection, _, err := dialer.Dial(base+"/getCaseCount", nil)
	if err != nil {
		return err
	}
	_, message, err := connection.ReadMessage()
	connection.Close()
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(string(message))
	if err != nil {
		return err
	}
	agent := url.QueryEscape(name)
	for number := 1; number <= count+1; number++ {
		address := fmt.Sprintf("%s/runCase?case=%d&agent=%s", base, number, agent)
		if number > count {
			address = fmt.Sprintf("%s/updateReports?agent=%s", base, agent)
		}
		connection, _, err := dialer.Dial(address, nil)
		if err != nil {
			fmt.Println(address, err)
			continue
		}
		echo(connection)
	}
	return nil
}

func main() {
	err := fmt.Errorf("usage: server PORT | client URL AGENT")
	switch {
	case len(os.Args) == 3 && os.Args[1] == "server":
		err = serve(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "client":
		err = testee(os.Args[2], os.Args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
