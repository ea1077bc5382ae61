using LlmGateway.Api;
using LlmGateway.Database;
using LlmGateway.Model;
using LlmGateway.Usage;

namespace LlmGateway.Admin;

/// <summary><c>GET /admin/usage</c>: usage summed up by agent, provider, model, key, department, user or day; of the last 30 days unless <c>from</c> and <c>to</c> say otherwise.</summary>
internal sealed class UsageEndpoint(IUsageLedger ledger, TimeProvider time)
{
    private static readonly TimeSpan UsualSpan = TimeSpan.FromDays(30);

    public async Task HandleAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var grouping = UsageGrouping.Agent;
        var end = time.GetUtcNow() + TimeSpan.FromMinutes(1);
        var error = AdminQuery.ReadName(query, "group_by", ref grouping) ?? AdminQuery.ReadTime(query, "to", isEnd: true, ref end);
        var first = end - UsualSpan;
        error ??= AdminQuery.ReadTime(query, "from", isEnd: false, ref first);
        if (first > end && !query.ContainsKey("to"))
        {
            // What has not begun holds nothing.
            end = first;
        }

        error ??= first > end ? GatewayError.InvalidValue("from", "'from' must not be later than 'to'.") : null;
        if (error is not null)
        {
            await ErrorWriter.WriteAsync(context, error);
            return;
        }

        try
        {
            var sums = await ledger.SumAsync(grouping, first, end, context.RequestAborted);
            await Results.Json(UsageReply.From(grouping, sums), UsageReplyJson.Default.UsageReply).ExecuteAsync(context);
        }
        catch (DatabaseUnavailableException)
        {
            await ErrorWriter.WriteAsync(context, StoreErrors.Unavailable);
        }
    }
}
