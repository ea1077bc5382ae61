namespace LlmGateway.Model;

/// <summary>Who the company's internal API is told the call is for; every value has passed the header check.</summary>
/// <param name="Ticket">The client key's department ticket; null lets the target's own ticket stand.</param>
/// <param name="UserId">The user, from request, key or environment.</param>
/// <param name="UserType">The kind of account.</param>
public sealed record Identity(string? Ticket, string? UserId, string? UserType)
{
    public static Identity None { get; } = new(null, null, null);
}
