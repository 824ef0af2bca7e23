# The services and the command, without torch. Build from the root of the checkout:
#   docker build -f ops/deploy/services.Dockerfile -t precis:0.1.0 .
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/precis
WORKDIR /src
# Dependencies before the code: they change less often, and the layer is kept.
COPY requirements/services.lock requirements/build.lock requirements/
RUN /opt/precis/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements/services.lock \
    && python -m pip install --no-deps --require-hashes --only-binary :all: -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY store store
COPY models models
COPY stream stream
COPY serve serve
COPY ops ops
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/precis/bin/pip install --no-deps dist/*.whl

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/precis precis
COPY --from=build /opt/precis /opt/precis
ENV PATH=/opt/precis/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /var/lib/precis
USER precis
ENTRYPOINT ["precis"]
CMD ["--help"]
