package policy

import "github.com/custos-zt/custos/internal/pdp"

// sideEffects are what a tool may do beside answering.
func sideEffects() []string {
	return []string{
		"fs_read", "fs_write", "db_read", "db_write", "network_egress", "network_ingress",
		"code_exec", "process_spawn", "sudo_elevate", "secrets_read", "env_read",
		"keychain_read", "clipboard_read", "clipboard_write", "browser_open",
		"screen_capture", "audio_capture", "camera_capture", "cloud_api",
		"container_exec", "email_send",
	}
}

// side_effects: [network_egress]. All of the tool's for a grant, one for a
// restriction.
func readSideEffects(r *reader, f field, _ place) []pdp.Op {
	return []pdp.Op{{Code: pdp.CodeSideEffects, Names: r.oneOf(f.node, f.name, sideEffects())}}
}
