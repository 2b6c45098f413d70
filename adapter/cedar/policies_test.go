package cedar_test

const outcomes = `
@id("read") permit (principal, action, resource == Tool::"hub.read");
@id("pay") @outcome("approve") permit (principal, action, resource == Tool::"hub.pay");
@id("drop") forbid (principal, action, resource == Tool::"hub.drop");
@id("transfer-a") permit (principal, action, resource == Tool::"hub.transfer");
@id("transfer") @outcome("approve") permit (principal, action, resource == Tool::"hub.transfer");
@id("wipe-a") permit (principal, action, resource == Tool::"hub.wipe");
@id("wipe-b") @outcome("approve") permit (principal, action, resource == Tool::"hub.wipe");
@id("wipe") forbid (principal, action, resource == Tool::"hub.wipe");
`

const limit = `
@id("all") permit (principal, action, resource);
@id("limit") forbid (principal, action, resource == Tool::"hub.pay") when { context.args.limit > 100 };
`

const mode = `
@id("all") permit (principal, action, resource);
@id("mode") forbid (principal, action, resource == Tool::"hub.pay") when { context.args.mode == "force" };
`

const exact = `
@id("big") permit (principal, action, resource == Tool::"hub.big") when { context.args.id <= 9007199254740992 };
`

const facts = `
@id("all") permit (principal, action, resource);
@id("device") forbid (principal, action, resource) when { context.facts["device.compliant"].value == false };
`

const roles = `
@id("read") permit (principal in Role::"corp:support", action, resource == Tool::"hub.read");
@id("guest") forbid (principal in Role::"corp:guest", action, resource);
`
