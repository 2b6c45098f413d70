package casbin_test

const outcomes = `
# The rows that allow stand first: order changes no answer.
p, read, *, hub.read, true, allow
p, transfer-a, *, hub.transfer, true, allow
p, wipe-a, *, hub.wipe, true, allow
p, pay, *, hub.pay, true, approve
p, transfer, *, hub.transfer, true, approve
p, wipe-b, *, hub.wipe, true, approve
p, drop, *, hub.drop, true, deny
p, wipe, *, hub.wipe, true, deny
`

const limit = `
p, all, *, hub.*, true, allow
p, limit, *, hub.pay, "number(r.ctx, 'limit') > 100", deny
`

const mode = `
p, all, *, hub.*, true, allow
p, mode, *, hub.pay, "text(r.ctx, 'mode') == 'force'", deny
`

const exact = `
p, big, *, hub.big, "number(r.ctx, 'id') <= 9007199254740992", allow
`

const facts = `
p, all, *, hub.*, true, allow
p, device, *, *, "fact_flag(r.ctx, 'device.compliant') == false", deny
`

const roles = `
p, read, role:corp:support, hub.read, true, allow
p, guest, role:corp:guest, *, true, deny
`
