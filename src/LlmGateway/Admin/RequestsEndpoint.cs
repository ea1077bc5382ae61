using LlmGateway.Api;
using LlmGateway.Database;
using LlmGateway.Usage;

namespace LlmGateway.Admin;

/// <summary><c>GET /admin/requests</c>: the latest request records, newest first; <c>before</c> pages on from the last id of a page.</summary>
internal sealed class RequestsEndpoint(IUsageLedger ledger)
{
    private const int Usual = 50;
    private const int Most = 200;

    public async Task HandleAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var error = AdminQuery.ReadLimit(query, "limit", Usual, Most, out var limit);
        if ((AdminQuery.ReadId(query, "before", out var before) ?? error) is { } refusal)
        {
            await ErrorWriter.WriteAsync(context, error ?? refusal);
            return;
        }

        try
        {
            var records = await ledger.LatestAsync(limit, before, context.RequestAborted);
            await Results.Json(new RequestsReply([.. records.Select(RequestsReply.Request.From)]), RequestsReplyJson.Default.RequestsReply).ExecuteAsync(context);
        }
        catch (DatabaseUnavailableException)
        {
            await ErrorWriter.WriteAsync(context, StoreErrors.Unavailable);
        }
    }
}
