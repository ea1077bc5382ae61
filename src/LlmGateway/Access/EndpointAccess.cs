namespace LlmGateway.Access;

/// <summary>Who may call an endpoint. Every endpoint carries one of these; one without is refused.</summary>
internal enum EndpointAccess
{
    /// <summary>Anyone: health and metrics.</summary>
    Open,

    /// <summary>Holders of a client key.</summary>
    Client,

    /// <summary>The holder of the admin key.</summary>
    Admin,
}
