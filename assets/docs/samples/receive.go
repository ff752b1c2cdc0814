// Try it: go run receive.go, then let the gateway call http://127.0.0.1:9000/
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const secret = "YOUR_WEBHOOK_SECRET"

func mac(key []byte, parts ...[]byte) []byte {
	sum := hmac.New(sha256.New, key)
	for _, part := range parts {
		sum.Write(part)
	}
	return sum.Sum(nil)
}

func isFresh(moment string) bool {
	at, err := strconv.ParseInt(moment, 10, 64)
	age := time.Now().Unix() - at
	return err == nil && age <= 300 && age >= -300
}

// Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature.
func isStandard(raw []byte, headers http.Header) bool {
	moment := headers.Get("webhook-timestamp")
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || !isFresh(moment) {
		return false
	}
	good := "v1," + base64.StdEncoding.EncodeToString(mac(key, []byte(headers.Get("webhook-id")+"."+moment+"."), raw))
	for _, one := range strings.Fields(headers.Get("webhook-signature")) {
		if hmac.Equal([]byte(good), []byte(one)) {
			return true
		}
	}
	return false
}

// The gateway's own headers: X-WhatsApp-Gateway-Timestamp, X-WhatsApp-Gateway-Signature.
func isGateway(raw []byte, headers http.Header) bool {
	moment := headers.Get("X-WhatsApp-Gateway-Timestamp")
	good := "sha256=" + hex.EncodeToString(mac([]byte(secret), []byte(moment+"."), raw))
	return isFresh(moment) && hmac.Equal([]byte(good), []byte(headers.Get("X-WhatsApp-Gateway-Signature")))
}

func receive(answer http.ResponseWriter, request *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, 1<<20))
	// One of the two is enough: while a new secret is taken over, the first still knows the old one.
	if err != nil || !(isStandard(raw, request.Header) || isGateway(raw, request.Header)) {
		answer.WriteHeader(http.StatusUnauthorized)
		return
	}
	var event struct {
		Event       string `json:"event"`
		EventID     string `json:"event_id"`
		From        string `json:"from"`
		MessageText string `json:"message_text"`
	}
	if err := json.Unmarshal(raw, &event); err != nil {
		answer.WriteHeader(http.StatusBadRequest)
		return
	}
	// Deliveries can repeat: remember event.EventID and skip what you have seen.
	if event.Event == "message.received" {
		fmt.Println(event.From, event.MessageText)
	}
	answer.WriteHeader(http.StatusNoContent)
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(receive)))
}
