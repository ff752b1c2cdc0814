// Needs Go 1.19 or newer and nothing else. Try it: go run send.go
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

var client = http.Client{Timeout: 20 * time.Second}

// sendWhatsApp sends one message. key names it: the same key is never sent twice within 24 hours.
func sendWhatsApp(phone, text, key string) (map[string]any, error) {
	body, err := json.Marshal(map[string]string{
		"instance_id":     "{{instance_id}}",
		"phone":           phone,
		"message":         text,
		"message_purpose": "transactional",
	})
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		request, err := http.NewRequest("POST", "{{base_url}}/api/send-message", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer {{api_key}}")
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
		answer, err := client.Do(request)
		if err != nil {
			// Nothing was heard: the same key makes a second try safe.
			if attempt >= 5 {
				return nil, err
			}
			time.Sleep(time.Duration(1<<attempt) * time.Second)
			continue
		}
		raw, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil && attempt < 5 {
			continue
		}
		wait, unsaid := strconv.Atoi(answer.Header.Get("Retry-After"))
		again := answer.StatusCode == 409 || answer.StatusCode == 429 || answer.StatusCode == 503
		if again && unsaid == nil && wait <= 300 && attempt < 5 {
			time.Sleep(time.Duration(wait) * time.Second)
			continue
		}
		said := map[string]any{}
		if err := json.Unmarshal(raw, &said); err != nil {
			return nil, err
		}
		if answer.StatusCode < 300 {
			return said, nil
		}
		// "unknown": it may have left. Look at the log, do not send it again under another key.
		outcome := answer.Header.Get("X-Message-Status")
		if outcome == "" {
			outcome = "blocked"
		}
		return nil, fmt.Errorf("%v (%s): %v", said["error"], outcome, said["message"])
	}
}

func main() {
	sent, err := sendWhatsApp("+966501234567", "Your order 2046 has been shipped.", "order-2046-shipped")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(sent["status"], sent["message_id"])
}
